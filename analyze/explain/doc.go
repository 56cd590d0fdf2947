// Package explain says where the time of requests, tasks and other instances went.
package explain

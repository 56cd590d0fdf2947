// Package measure has the watchers that fill the report's tables.
package measure

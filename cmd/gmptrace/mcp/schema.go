package mcp

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// schemaOf is the JSON schema of a tool's arguments.
func schemaOf[A asker]() (*jsonschema.Schema, error) {
	return jsonschema.For[A](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[texts]():   {Types: []string{"array", "string"}, Items: &jsonschema.Schema{Type: "string"}},
		reflect.TypeFor[numbers](): {Types: []string{"array", "integer"}, Items: &jsonschema.Schema{Type: "integer"}},
	}})
}

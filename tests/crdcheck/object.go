package main

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
)

type document = map[string]any

type request struct {
	Object document `json:"object"`
	Old    document `json:"old"`
	Status bool     `json:"status"`
}

type answer struct {
	Accepted bool     `json:"accepted"`
	Errors   []string `json:"errors"`
	Pruned   []string `json:"pruned"`
	Object   document `json:"object"`
}

// kind is what the server keeps of a definition to serve its objects.
type kind struct {
	shape  *structural.Structural
	whole  validation.SchemaValidator
	status validation.SchemaValidator
	rules  *cel.Validator
}

func readRequest(raw []byte) (request, error) {
	var given request
	// Whole numbers become int64, as in the server; the standard library makes them floats.
	if err := utiljson.Unmarshal(raw, &given); err != nil {
		return given, err
	}
	if given.Object == nil || (given.Status && given.Old == nil) {
		return given, fmt.Errorf("a request has an object, and a stored one too when it is for its status")
	}
	return given, nil
}

func newKind(from definition) (*kind, error) {
	schema, err := apiextensions.GetSchemaForVersion(&from.CustomResourceDefinition, from.Spec.Versions[0].Name)
	if err != nil {
		return nil, err
	}
	shape, err := structural.NewStructural(schema.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	shape = shape.DeepCopy()
	if err := defaulting.PruneDefaults(shape); err != nil {
		return nil, err
	}
	made := &kind{shape: shape, rules: cel.NewValidator(shape, true, celconfig.PerCallLimit)}
	if made.whole, _, err = validation.NewSchemaValidator(schema.OpenAPIV3Schema); err != nil {
		return nil, err
	}
	status := schema.OpenAPIV3Schema.Properties["status"]
	made.status, _, err = validation.NewSchemaValidator(&status)
	return made, err
}

// answer treats a request as the server does: read, default, take only what may be written here, judge.
func (k *kind) answer(ctx context.Context, given request) answer {
	pruned := k.read(given.Object)
	if given.Old != nil {
		k.read(given.Old)
	}
	object := given.written()
	found := append(metadataFaults(object, k.shape), k.faults(object, given)...)
	if k.rules != nil && len(found) == 0 {
		found = append(found, k.broken(ctx, object, given)...)
	}
	said := answer{Accepted: len(found) == 0, Errors: []string{}, Pruned: pruned, Object: object}
	for _, fault := range found {
		said.Errors = append(said.Errors, fault.Error())
	}
	return said
}

// read drops what the definition does not keep and fills in defaults; the paths of what was dropped.
func (k *kind) read(object document) []string {
	paths := pruning.PruneWithOptions(object, k.shape, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.shape)
	defaulting.Default(object, k.shape)
	return append([]string{}, paths...)
}

// written is what would be stored: a status by its subresource only, and by that nothing else.
func (r request) written() document {
	if r.Status {
		return with(r.Old, r.Object["status"])
	}
	return with(r.Object, r.Old["status"])
}

func with(base document, status any) document {
	made := document{}
	for key, value := range base {
		made[key] = value
	}
	delete(made, "status")
	if status != nil {
		made["status"] = status
	}
	return made
}

func metadataFaults(object document, shape *structural.Structural) field.ErrorList {
	if err, _ := objectmeta.CoerceWithOptions(nil, object, shape, true, objectmeta.CoerceOptions{}); err != nil {
		return field.ErrorList{err}
	}
	return nil
}

// faults judges by the schema; in an update, only what it changes.
func (k *kind) faults(object document, given request) field.ErrorList {
	lists := listtype.ValidateListSetsAndMaps(nil, k.shape, object)
	switch {
	case given.Old == nil:
		return append(lists, validation.ValidateCustomResource(nil, object, k.whole)...)
	case given.Status && object["status"] == nil:
		return lists
	case given.Status:
		only := validation.WithRatcheting(k.change(object, given.Old).Key("status"))
		path := field.NewPath("status")
		return append(lists, validation.ValidateCustomResourceUpdate(path, object["status"], given.Old["status"], k.status, only)...)
	default:
		only := validation.WithRatcheting(k.change(object, given.Old))
		return append(lists, validation.ValidateCustomResourceUpdate(nil, object, given.Old, k.whole, only)...)
	}
}

// broken judges by the rules; in an update, only what it changes.
func (k *kind) broken(ctx context.Context, object document, given request) field.ErrorList {
	var old any
	var options []cel.Option
	if given.Old != nil {
		old = given.Old
		options = append(options, cel.WithRatcheting(k.change(object, given.Old)))
	}
	found, _ := k.rules.Validate(ctx, nil, k.shape, object, old, celconfig.RuntimeCELCostBudget, options...)
	return found
}

func (k *kind) change(object, old document) *common.CorrelatedObject {
	return common.NewCorrelatedObject(object, old, &model.Structural{Structural: k.shape})
}

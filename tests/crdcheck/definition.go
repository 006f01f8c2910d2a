package main

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

type definition struct {
	apiextensions.CustomResourceDefinition
}

func (d definition) name() string { return d.Name }

// load decodes a definition strictly, gives it the defaults of the server and judges it as at its creation.
func load(ctx context.Context, raw []byte) (definition, []string) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	decoded, _, err := decoder.Decode(raw, nil, nil)
	if err != nil {
		return definition{}, []string{err.Error()}
	}
	written, ok := decoded.(*v1.CustomResourceDefinition)
	if !ok {
		return definition{}, []string{fmt.Sprintf("found a %T, wanted a CustomResourceDefinition", decoded)}
	}
	scheme.Default(written)
	var found definition
	if err := scheme.Convert(written, &found.CustomResourceDefinition, nil); err != nil {
		return found, []string{err.Error()}
	}
	// The server notes it when it stores the definition.
	for _, version := range found.Spec.Versions {
		if version.Storage {
			found.Status.StoredVersions = []string{version.Name}
		}
	}
	errs := []string{}
	for _, fault := range validation.ValidateCustomResourceDefinition(ctx, &found.CustomResourceDefinition) {
		errs = append(errs, fault.Error())
	}
	return found, errs
}

"""May an object be stored? The rules of the admission webhook, as functions of the object and its cluster. No I/O."""

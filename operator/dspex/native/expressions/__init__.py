"""CEL expressions inside `$( )`: scanned, typed, compiled, evaluated."""

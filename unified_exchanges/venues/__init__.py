"""One folder per venue; `registry` knows them by id."""

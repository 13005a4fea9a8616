"""A user's own code, as the tests have it: nothing here knows the package's inside."""

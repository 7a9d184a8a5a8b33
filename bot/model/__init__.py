"""Documents, one noun a file. They import no driver and no framework."""

"""Long work that survives a crash: jobs, their worker, and leases, which let one process at a time do periodic work."""

"""Long work that survives a crash: jobs, their worker, and the leases by which one process at a time does a thing."""

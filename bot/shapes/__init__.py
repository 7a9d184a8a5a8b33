"""Documents as the API and webhooks answer them, in the shapes of Intercom's API where it has one."""

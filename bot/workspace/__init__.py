"""What the business manages: teammates, access, subscriptions, forms, brand, tokens."""

"""Messages that leave: deliveries, and the gateways that carry them."""

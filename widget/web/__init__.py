"""What all faces share: access, sessions, forms, page layout, live connections, assets."""

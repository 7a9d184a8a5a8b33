"""Rules of law and industry as dated data, and the pure functions that apply them."""

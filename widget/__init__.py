"""The faces: parse, call one function of `bot`, render."""

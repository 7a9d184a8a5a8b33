"""The parts of a process, composed area by area: each class adds its area to the one before, which it builds on.

`bot.app.Bot` is the last of them. A new part is one line in its area.
"""

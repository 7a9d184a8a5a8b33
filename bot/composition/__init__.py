"""Composition: what a process has, area by area. Each class adds its area to the one before, which it builds on.

`bot.app.Bot` is the last of them. A new service is one line in its area.
"""

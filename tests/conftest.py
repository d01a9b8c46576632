"""What holds for every test."""

import asyncio

from hypothesis import settings

# Examples run beside other work on small machines: a slow one is no finding.
settings.register_profile("dspex", deadline=None)
settings.load_profile("dspex")

# pytest-asyncio asks for the loop before each test. Unless told that there is none, asyncio then
# makes one that nobody closes, and its warning fails whichever test runs when it is collected.
asyncio.set_event_loop(None)

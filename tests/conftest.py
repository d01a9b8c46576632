"""What holds for every test: hypothesis measures no single example's time."""

from hypothesis import settings

# Examples run beside other work on small machines: a slow one is no finding.
settings.register_profile("dspex", deadline=None)
settings.load_profile("dspex")

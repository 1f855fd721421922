"""How hypothesis tries the engine."""

from hypothesis import settings

# A busy machine is no reason to call a test slow; pytest's own timeout ends one that hangs.
settings.register_profile("engine", deadline=None)
settings.load_profile("engine")

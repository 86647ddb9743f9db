"""What holds for all tests."""

import hypothesis


# Machines that run tests are busy at times; how long an example takes proves nothing.
hypothesis.settings.register_profile("exporter", deadline=None)
hypothesis.settings.load_profile("exporter")

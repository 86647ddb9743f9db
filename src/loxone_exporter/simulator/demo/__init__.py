"""The invented house that ships with the package: `DemoHouse`.

To add a control, add it to its room in one of the wings (`ground_floor`, `upper_floor`, `outside`,
`plant`, `whole_house`): a `Control` with its states, each a constant, or a `Number` or `Text` that
reads something of the `World`. What moves by itself is a device that the control brings along.
"""

from loxone_exporter.simulator.demo.house import DemoHouse


__all__ = ["DemoHouse"]

"""Clients that others wrote, against the simulated Miniserver: `nox -s interop`.

A simulator that only its own client understands proves little. Here three public clients, changed
in nothing but what their drivers say, log in to it, fetch the structure file and listen:
lxcommunicator (the vendor's own) and node-lox-ws-api from npm, loxwebsocket from PyPI; each in
every way of logging in that it has, against a device whose firmware knows that way, the newer ones
over TLS as well.

What they report is compared with the house that the simulator plays: controls, `lastModified`, how
many states of each kind have got a value, no state that the structure file does not name, and
changes after the first values. The table that is printed has a line for each; any difference makes
the exit code 1. Of a run that fails, the table has the codes with which the simulator refused
something, and all that the client wrote is kept with the simulator's log in a folder that is named.

Node.js 18.11 or newer is needed, with npm. `nox -s interop -- lxcommunicator` chooses clients;
`--list` names what there is.

Modules:
    runs: which client logs in how, to what device.
    stage: the processes, of the simulator and of the clients.
    verdict: what a client must have seen, and the table.
    driver.js, lxcommunicator.js, node-lox-ws-api.js, loxwebsocket.py: one driver for each client.
        Each takes the same options and prints one line of JSON. What is worked around in a client
        is said where it is done.
    package.json: the releases from npm; those from PyPI are in noxfile.py.
"""

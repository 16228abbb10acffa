"""What the installed Dagster can do: this location loads on 1.8 through 1.13."""

import inspect

import dagster as dg


def supported(function, **arguments):
    """Those of the arguments that this Dagster's ``function`` takes."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def has(*names):
    """Whether this Dagster exports all of these names; some say ImportError where they went."""
    try:
        return all(hasattr(dg, name) for name in names)
    except ImportError:
        return False

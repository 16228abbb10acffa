from package_location.definitions import defs as defs

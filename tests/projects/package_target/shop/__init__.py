from shop.definitions import defs as defs

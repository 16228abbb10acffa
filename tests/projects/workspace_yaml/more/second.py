import dagster as dg
from inner.helper import DESCRIPTION


@dg.asset(description=DESCRIPTION)
def of_second():
    pass


chosen = dg.Definitions(assets=[of_second])
other = dg.Definitions()

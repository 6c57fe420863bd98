"""since when nobody tells of the alerts of an incident any more"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("untold_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

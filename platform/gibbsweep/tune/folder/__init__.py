"""The folder ``runs/SWEEP``: its layout, its one driver, its clock."""

"""What the figures of a report share; each is drawn by a module of `ablate.report.exhibits`.

Importing this package costs nothing: matplotlib and seaborn are loaded when a figure is drawn.
"""

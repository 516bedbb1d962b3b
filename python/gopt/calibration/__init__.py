"""Op times measured on this machine's CPU, in place of modelled ones.

calibration = gopt.calibrate(step.graph)
calibration.graph          # with a cost table of measured times for devices of kind "cpu"
calibration.machine()      # this CPU as a machine: probed rates, efficiencies fitted per class
print(calibration)         # modelled against measured, per class of op
"""

from gopt.calibration.cache import Cache
from gopt.calibration.calibrate import Calibration, calibrate
from gopt.calibration.fit import Fit, Row
from gopt.calibration.measure import Measurement, MeasureOptions

__all__ = ["Cache", "Calibration", "Fit", "MeasureOptions", "Measurement", "Row", "calibrate"]

"""Makes a fresh virtual environment fit for carbon 1.1.10, before carbon is built in it.

carbon's set-up calls ConfigParser.readfp and its router imports the module imp; Python 3.12
has neither. Older Pythons have both and never look at what is written here.
"""

import os
import sys
import sysconfig

if sys.version_info >= (3, 12):
    packages = sysconfig.get_paths()["purelib"]
    with open(os.path.join(packages, "imp.py"), "w") as module:
        module.write('"""Stands in for the module that Python 3.12 dropped."""\n')
    with open(os.path.join(packages, "readfp.pth"), "w") as hook:
        hook.write("import configparser as c; c.ConfigParser.readfp = c.ConfigParser.read_file\n")

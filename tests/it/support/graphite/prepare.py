"""Makes a fresh virtual environment fit for carbon and graphite-web 1.1.10, before they are built.

carbon's set-up calls ConfigParser.readfp, its router imports the module imp, and graphite-web asks
for configparser.SafeConfigParser; Python 3.12 has none of them. Older Pythons have them all and
never look at what is written here.
"""

import os
import sys
import sysconfig

if sys.version_info >= (3, 12):
    packages = sysconfig.get_paths()["purelib"]
    with open(os.path.join(packages, "imp.py"), "w") as module:
        module.write('"""Stands in for the module that Python 3.12 dropped."""\n')
    with open(os.path.join(packages, "configparser-names.pth"), "w") as hook:
        hook.write(
            "import configparser as c; c.SafeConfigParser = c.ConfigParser;"
            " c.ConfigParser.readfp = c.ConfigParser.read_file\n"
        )

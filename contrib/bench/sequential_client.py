"""A plain client, the way scripts are written: it logs in each time, and asks for one URL after
the other with requests.get(), which opens a connection for each.

Arguments: the base of the API, the CA file, the credentials file, the file with the paths.
"""
import hashlib
import hmac
import json
import sys

import requests

base, ca, credentials, paths = sys.argv[1:]
with open(credentials) as file:
    app = json.load(file)["boxes"][0]

challenge = requests.get(base + "login/", verify=ca).json()["result"]["challenge"]
password = hmac.new(app["app_token"].encode(), challenge.encode(), hashlib.sha1).hexdigest()
answer = requests.post(
    base + "login/session/",
    json={"app_id": app["app_id"], "password": password},
    verify=ca,
)
headers = {"X-Fbx-App-Auth": answer.json()["result"]["session_token"]}
with open(paths) as file:
    for path in file.read().split():
        requests.get(base + path, headers=headers, verify=ca).json()

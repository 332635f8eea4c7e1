"""OpenStack Swift with its S3 interface, whole in one process: s3-server.py FOLDER PORT PAGE. Prints its port when it serves."""

import base64
import os
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi
from swift.account import server as account_server
from swift.common import utils
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.ring import RingBuilder
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import loadapp
from swift.container import server as container_server
from swift.obj import server as object_server

folder, port, page = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
devices = os.path.join(folder, 'devices')
os.makedirs(os.path.join(devices, 'disk'), exist_ok=True)


def write(name, text):
    with open(os.path.join(folder, name), 'w') as file:
        file.write(text)


write('swift.conf', '[swift-hash]\nswift_hash_path_suffix = mayfly\n')
utils.set_swift_dir(folder)
reload_storage_policies()

storage = {'devices': devices, 'swift_dir': folder, 'mount_check': 'false', 'disable_fallocate': 'true'}


def serve(sock, app):
    eventlet.spawn(wsgi.server, sock, app, utils.NullLogger(), protocol=SwiftHttpProtocol)


for kind, module in (('account', account_server), ('container', container_server), ('object', object_server)):
    sock = eventlet.listen(('127.0.0.1', 0))
    ring = RingBuilder(1, 1, 1)
    ring.add_dev(dict(id=0, region=1, zone=0, weight=1.0, ip='127.0.0.1', port=sock.getsockname()[1], device='disk'))
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, kind + '.ring.gz'))
    serve(sock, module.app_factory(storage))

write('proxy.conf', f"""
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors s3api tempauth bulk slo keymaster encryption proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:s3api]
use = egg:swift#s3api
# Objects of one answer to a listing.
max_bucket_listing = {page}
[filter:tempauth]
use = egg:swift#tempauth
user_test_mayfly = a-secret-of-the-tests .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:keymaster]
use = egg:swift#keymaster
encryption_root_secret = {base64.b64encode(b'0123456789abcdef0123456789abcdef').decode()}
[filter:encryption]
use = egg:swift#encryption
""")

class Cache:
    """What its memcached would keep."""

    def __init__(self):
        self.kept = {}

    def set(self, key, value, **_):
        self.kept[key] = value

    def get(self, key, **_):
        return self.kept.get(key)

    def delete(self, key, **_):
        self.kept.pop(key, None)


cache = Cache()
front = eventlet.listen(('127.0.0.1', port), reuse_port=False)
app = loadapp(os.path.join(folder, 'proxy.conf'))
print(front.getsockname()[1], flush=True)
wsgi.server(front, lambda env, start: app({**env, 'swift.cache': cache}, start), utils.NullLogger(), protocol=SwiftHttpProtocol, keepalive=True)

"""Makes a machine out of a frozen template: waits on the control port, frozen with the rest of the guest, for who
this machine is, and puts that in place before anybody can log in.

Python because whatever runs cloud-init has it, and one process because a fork costs an emulated processor 50 ms or
more. Runs as root. Needs nothing beyond Python 3.6.

Host to guest, each one line of JSON:
  {"do": "arm", "user": NAME, "id": MACHINE}   forget the keys of this machine, wait until nobody is logged in, write
                                               everything out
  {"do": "thaw", "entropy": HEX, "time": SECONDS, "machine_id": HEX, "hostname": NAME,
   "files": [{"path", "owner", "mode", "content", "add"}], "script": TEXT}
The answer is {"ok": true}, or {"ok": false, "why": TEXT}.
"""

import ctypes
import fcntl
import glob
import json
import os
import pwd
import signal
import socket
import struct
import subprocess
import sys
import time

PORT_NAME = "mayfly"
# linux/random.h, linux/fs.h
RNDADDENTROPY = 0x40085203
RNDRESEEDCRNG = 0x5207
BLKFLSBUF = 0x1261


def port_path():
    """The character device of the port with our name; udev may not have made its link."""
    for folder in glob.glob("/sys/class/virtio-ports/*"):
        with open(folder + "/name") as name:
            if name.read().strip() == PORT_NAME:
                return "/dev/" + os.path.basename(folder)
    return None


def open_port():
    subprocess.call(["modprobe", "virtio_console"], stderr=subprocess.DEVNULL)
    for _ in range(200):
        path = port_path()
        if path is not None and os.path.exists(path):
            return os.open(path, os.O_RDWR)
        time.sleep(0.05)
    raise RuntimeError("no control port in the guest: its kernel has no virtio_console")


def read_line(port):
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(port, 65536)
        # Nobody holds the host's end yet.
        if not chunk:
            time.sleep(0.02)
        line += chunk
    return json.loads(line.decode("utf-8"))


def answer(port, reply):
    os.write(port, json.dumps(reply).encode("utf-8") + b"\n")


def arm(order):
    home = pwd.getpwnam(order["user"]).pw_dir
    for path in (home + "/.ssh/authorized_keys", "/root/.ssh/authorized_keys"):
        forget_key(path, order["id"])
    for path in glob.glob("/etc/ssh/ssh_host_*") + [
        "/run/mayfly/nonce",
        "/var/lib/systemd/random-seed",
    ]:
        if os.path.exists(path):
            os.unlink(path)
    wait_for_logouts()
    # The next machine has another disc in this drive, and nothing tells the guest.
    try:
        drive = os.open("/dev/sr0", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.ioctl(drive, BLKFLSBUF, 0)
        os.close(drive)
    except OSError:
        pass
    os.sync()


def forget_key(path, machine):
    """The key of this machine, whose comment it is; others are the image's, or a setup put them there."""
    if not os.path.isfile(path) or os.path.islink(path):
        return
    with open(path, errors="surrogateescape") as file:
        lines = [line for line in file if not line.rstrip().endswith(" " + machine)]
    with open(path, "w", errors="surrogateescape") as file:
        file.writelines(lines)


def wait_for_logouts():
    """A session in the middle of its end would be frozen with the template's key in its memory."""
    for _ in range(600):
        if subprocess.call(["pgrep", "-f", "^sshd(-session)?: [a-z_]"], stdout=subprocess.DEVNULL) != 0:
            return
        time.sleep(0.05)
    raise RuntimeError("somebody is still logged in")


def thaw(order):
    reseed(bytes.fromhex(order["entropy"]))
    time.clock_settime(time.CLOCK_REALTIME, order["time"])
    write_machine_id(order["machine_id"])
    name_host(order["hostname"])
    for file in order["files"]:
        write_file(file)
    reload_sshd()
    if order["script"]:
        run_script(order["script"])


def reseed(entropy):
    """Writing to /dev/urandom alone only mixes the pool, which is read from minutes later: it has to be credited."""
    device = os.open("/dev/urandom", os.O_RDWR)
    info = struct.pack("ii%ds" % len(entropy), len(entropy) * 8, len(entropy), entropy)
    fcntl.ioctl(device, RNDADDENTROPY, info)
    fcntl.ioctl(device, RNDRESEEDCRNG, 0)
    os.close(device)


def write_machine_id(machine_id):
    # Where systemd made one up at boot, /etc/machine-id is that file, mounted read-only.
    transient = "/run/machine-id"
    paths = [transient if os.path.exists(transient) else "/etc/machine-id", "/var/lib/dbus/machine-id"]
    for path in paths:
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "w") as file:
                file.write(machine_id + "\n")


def name_host(hostname):
    socket.sethostname(hostname)
    with open("/etc/hostname", "w") as file:
        file.write(hostname + "\n")
    # An image need not have the file.
    before = read_bytes("/etc/hosts").decode("utf-8", "surrogateescape") or "127.0.0.1 localhost\n"
    lines = [line for line in before.splitlines(True) if not line.startswith("127.0.1.1")]
    with open("/etc/hosts", "w", errors="surrogateescape") as file:
        file.write("".join(lines) + "127.0.1.1 " + hostname + "\n")


def write_file(file):
    """A file that is already there would keep its mode and owner."""
    path, owner = file["path"], pwd.getpwnam(file["owner"])
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o700 if folder.endswith("/.ssh") else 0o755)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    before = read_bytes(path) if file.get("add") else b""
    if os.path.lexists(path):
        os.unlink(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(handle, before + file["content"].encode("utf-8"))
    os.fchown(handle, owner.pw_uid, owner.pw_gid)
    os.fchmod(handle, int(file["mode"], 8))
    os.close(handle)


def read_bytes(path):
    if not os.path.isfile(path) or os.path.islink(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def reload_sshd():
    """Up to OpenSSH 9.7 each connection reads the host key anew; later ones get it from the server's memory."""
    if not any(os.path.exists(path + "/sshd-session") for path in ("/usr/lib/openssh", "/usr/libexec/openssh")):
        return
    found = subprocess.run(["pgrep", "-o", "-x", "sshd"], stdout=subprocess.PIPE)
    if found.stdout.strip():
        os.kill(int(found.stdout), signal.SIGHUP)


def run_script(script):
    done = subprocess.run(
        ["sh", "-s"], input=script.encode("utf-8"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode("utf-8", "replace").strip()[-300:])


def main():
    os.unlink(__file__)
    port = open_port()
    # The whole of this process stays in memory: what is paged out would be read from the template's disk.
    ctypes.CDLL(None).mlockall(3)
    while True:
        order = read_line(port)
        try:
            (arm if order["do"] == "arm" else thaw)(order)
        except Exception as error:  # whatever it is, the host has to hear of it
            answer(port, {"ok": False, "why": "%s: %s" % (type(error).__name__, error)})
            continue
        answer(port, {"ok": True})
        if order["do"] == "thaw":
            return


if __name__ == "__main__":
    sys.exit(main())

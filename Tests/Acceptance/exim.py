"""An Exim of the tests' own: loopback only, everything in one folder. Debian's package cannot stand beside Postfix's, so
its program lies in .venv/exim (deploy/dev/install-packages); a wrapper makes up the user whom it looks for."""
import os
import shutil
import subprocess

from broker import free_port
from waiting import eventually
from worker import PROJECT

PROGRAM = PROJECT / ".venv/exim/usr/sbin/exim4"
CONFIGURATION = """
primary_hostname = mx.exim.example
exim_user = nobody
exim_group = nogroup
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
domainlist local_domains = exim.example
acl_smtp_rcpt = check
acl_smtp_data = accept
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
chunking_advertise_hosts = *
dsn_advertise_hosts = *
host_lookup =
keep_environment =
begin acl
check:
  require message = relaying is not allowed
          domains = +local_domains
  deny message = 5.1.1 no such user
       local_parts = tiada
  accept
begin routers
boxes:
  driver = accept
  domains = +local_domains
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  user = nobody
  group = nogroup
begin retry
* * F,1h,1m
"""
PASSWD = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nDebian-exim:x:65534:65534::/:/bin/false\n"
GROUP = "root:x:0:\nnogroup:x:65534:\nDebian-exim:x:65534:\n"


class Exim:
    def __init__(self, folder, certificate, key):
        self.folder, self.port = folder, free_port()
        for name in ("spool", "mail"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "nobody")
        shutil.chown(folder, "nobody")
        # Exim reads its key after it gave up root.
        shutil.chown(key, "nobody")
        (folder / "exim.conf").write_text(CONFIGURATION.format(
            folder=folder, port=self.port, certificate=certificate, key=key, program=PROGRAM))
        (folder / "passwd").write_text(PASSWD)
        (folder / "group").write_text(GROUP)

    def start(self):
        assert PROGRAM.exists(), f"{PROGRAM} is not there: deploy/dev/install-packages test"
        environment = os.environ | {
            "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group")}
        self.output = open(self.folder / "output", "wb")
        # In the foreground, so that it can be ended by its id.
        self.daemon = subprocess.Popen(
            [PROGRAM, "-C", self.folder / "exim.conf", "-bdf"], env=environment, stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT)
        eventually(lambda: "listening for SMTP" in self.log() or self.daemon.poll() is not None, what=self.log)
        assert self.daemon.poll() is None, self.log()
        return self

    def log(self):
        paths = [*self.folder.glob("*log"), *self.folder.glob("output")]
        return "".join(path.read_text(errors="replace") for path in paths)

    def mails(self):
        return [path.read_bytes() for path in (self.folder / "mail/new").glob("*")]

    def stop(self):
        if self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(20)
        self.output.close()

"""A Postfix of the tests' own: loopback only, configuration, queue and log in one folder. It must be run as root, and the
folder must be one that others may enter, since most of it runs as another user."""
import shutil
import signal
import subprocess
from pathlib import Path

from broker import free_port
from waiting import eventually

DAEMONS = Path("/usr/lib/postfix/sbin")
MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
showq unix n - n - - showq
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
bounces unix - n n - - pipe
  flags=Rq user=nobody argv={folder}/bounce --recipient ${{original_recipient}}
"""
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.lokal.example
mynetworks = 127.0.0.2/32
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = lokal.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = regexp:{folder}/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_reject_unlisted_recipient = no
relay_domains = kentongan.example
transport_maps = texthash:{folder}/transport
recipient_delimiter = +
bounces_destination_recipient_limit = 1
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
"""


class Postfix:
    def __init__(self, folder, certificate, key):
        self.folder, self.port = Path(folder), free_port()
        names = {"folder": self.folder, "daemons": DAEMONS, "port": f"127.0.0.1:{self.port}", "certificate": certificate,
                 "key": key}
        for name in ("queue", "data", "mail", "configuration", "configuration/sasl"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "mail", "nobody")
        shutil.chown(self.folder / "data", "postfix")
        self.configuration = self.folder / "configuration"
        (self.configuration / "main.cf").write_text(MAIN.format(**names))
        (self.configuration / "master.cf").write_text(MASTER.format(**names))
        (self.folder / "mailboxes").write_text("/^ada.*@lokal\\.example$/ kotak/\n")
        (self.folder / "transport").write_text("kentongan.example bounces:\n")

    def add_user(self, name, password):
        # Debian's Postfix looks for it here, whatever cyrus_sasl_config_path says.
        database = self.configuration / "sasl/sasldb2"
        (self.configuration / "sasl/smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: SCRAM-SHA-256 PLAIN LOGIN\n")
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", "mx.lokal.example", name],
                       input=password.encode(), check=True, capture_output=True)
        database.chmod(0o644)

    def start(self):
        self._run("check")
        self.master = subprocess.Popen(
            [DAEMONS / "master", "-c", self.configuration, "-d"], stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=open(self.folder / "master.out", "wb"), stderr=subprocess.STDOUT)
        eventually(lambda: "daemon started" in self.log() or self.master.poll() is not None, what=self.log)
        assert self.master.poll() is None, f"{self.master.returncode}: {self.log()}"
        return self

    def route(self, transport):
        """Where what comes to return paths goes from now on."""
        (self.folder / "transport").write_text(f"kentongan.example {transport}\n")
        self.master.send_signal(signal.SIGHUP)

    def log(self):
        path = self.folder / "postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def mails(self):
        """What was delivered into the mailbox."""
        return [path.read_bytes() for path in sorted((self.folder / "mail/kotak/new").glob("*"))]

    def queue(self):
        return self._run("-j", command="postqueue").strip()

    def flush(self):
        """Has what is deferred tried again now."""
        self._run("-f", command="postqueue")

    def _run(self, *arguments, command="postfix"):
        done = subprocess.run([command, "-c", self.configuration, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr + done.stdout + self.log()
        return done.stdout

    def stop(self):
        """SIGTERM to master, which ends its daemons."""
        if self.master.poll() is None:
            self.master.terminate()
            self.master.wait(20)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What Dovecot serves of exports of export/clients.pmmk:
#	export-dovecot.py DIRECTORY
# DIRECTORY has the exports eml, maildir, mbox, mboxcl2. A Dovecot of our own runs in a directory
# below it, on a free port of the loopback interface, as the user who runs this; for root, to
# whom it serves no mail, as nobody. Prints TAP lines without a plan.
import base64
import ctypes
import email
import email.policy
import grp
import imaplib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

# Subject: folder, flags as IMAP has them, time of delivery in UTC
MAIL = {
    'read': ('Inbox', 'Seen', '04-Mar-2021 05:06:07'),
    'unread': ('Inbox', '', '05-Mar-2021 05:06:07'),
    'replied and flagged': ('Inbox', 'Answered Flagged Seen', '06-Jul-2021 23:59:59'),
    'draft': ('Inbox', 'Draft Seen', '31-Dec-2019 23:59:59'),
    'passed on': ('Inbox', 'Seen', '01-Jan-2022 00:00:00'),
    'Grüße aus Köln, 日本語': ('Inbox', 'Seen', '06-Mar-2021 05:06:07'),
    'without any date': ('Inbox', 'Seen', '01-Jan-1970 00:00:00'),
    'below the inbox': ('Inbox/Grüße & Küsse', 'Seen', '07-Mar-2021 05:06:07'),
    'dots': ('v1.0', 'Seen', '08-Mar-2021 05:06:07'),
    'attachments': ('日本語/sub.dir', 'Seen', '09-Mar-2021 05:06:07'),
    'embedded': ('日本語/sub.dir', 'Seen', '10-Mar-2021 05:06:07'),
    'signed': ('日本語/sub.dir', 'Seen', '11-Mar-2021 05:06:07'),
}
TOP = ('Top of Personal Folders', 'Top of Personal Folders.mbox')
EMPTY = ('Deleted Items', 'v1_0', '日本語')

# What the folders are called there: in Maildir++ a dot parts names.
PLUS = {'Inbox': 'INBOX', 'Inbox/Grüße & Küsse': 'INBOX.Grüße & Küsse', 'v1.0': 'v1_0', 'v1_0': 'v1_0_',
        '日本語/sub.dir': '日本語.sub_dir'}

CONF = '''
base_dir = "{top}/run"
state_dir = "{top}/state"
log_path = "{top}/log"
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = {location}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = home={top} uid={user} gid={group}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
'''


def say(good, what, detail=''):
    print('%sok - %s' % ('' if good else 'not ', what))
    if not good:
        print(''.join('#   %s\n' % line for line in str(detail).splitlines()[-40:]), end='')


def same(have, want, what):
    say(have == want, what, 'have %r\nwant %r' % (have, want))


def plain_name(name):
    """A mailbox name out of modified UTF-7 (RFC 3501 5.1.3)."""
    def shifted(m):
        text = m.group(1).replace(',', '/')
        return base64.b64decode(text + '=' * (-len(text) % 4)).decode('utf-16-be') if text else '&'
    return re.sub('&([^-]*)-', shifted, name)


def subject(raw):
    return str(email.message_from_bytes(raw, policy=email.policy.default)['Subject'])


def originals(top):
    """The EML export: {subject: bytes}."""
    found = {}
    for d, _, files in os.walk(top):
        for name in files:
            if name.endswith('.eml'):
                with open(os.path.join(d, name), 'rb') as f:
                    raw = f.read()
                found[subject(raw)] = raw
    return found


class Server:
    """Dovecot over one export, from `with` to its end."""

    def __init__(self, top, location, pattern, who):
        self.top, self.location, self.pattern, self.who = top, location, pattern, who
        self.conf = os.path.join(top, 'conf')
        self.how = {'stdin': subprocess.DEVNULL, 'env': dict(os.environ, HOME=top, USER=who.pw_name)}
        if os.getuid() == 0:
            self.how.update(user=who.pw_uid, group=who.pw_gid, extra_groups=[])

    def start(self):
        user, group = self.who.pw_name, grp.getgrgid(self.who.pw_gid).gr_name
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        with open(self.conf, 'w') as f:
            f.write(CONF.format(top=self.top, user=user, group=group, port=self.port, location=self.location))
        prctl = ctypes.CDLL(None).prctl
        # Should this process be killed, Dovecot ends as well (PR_SET_PDEATHSIG is 1).
        self.process = subprocess.Popen(['dovecot', '-F', '-c', self.conf], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=lambda: prctl(1, signal.SIGTERM),
                                        **self.how)

    def log(self):
        try:
            with open(os.path.join(self.top, 'log')) as f:
                return f.read()
        except OSError:
            return ''

    def connect(self):
        """Whether it is there."""
        for _ in range(600):
            if self.process.poll() is not None:
                return False
            try:
                self.imap = imaplib.IMAP4('127.0.0.1', self.port)
                self.imap.login('user', 'secret')
                return True
            except ConnectionRefusedError:
                time.sleep(0.05)
        return False

    def __enter__(self):
        # Somebody else may take the port between our look and Dovecot's.
        for _ in range(5):
            self.start()
            try:
                if self.connect():
                    return self
            except BaseException:
                self.end()
                raise
            self.end()
        raise RuntimeError('Dovecot does not start:\n' + self.log())

    def end(self):
        self.process.terminate()
        self.process.wait()

    def __exit__(self, *_):
        self.end()

    def counts(self):
        """{folder: messages}, by doveadm."""
        done = subprocess.run(['doveadm', '-c', self.conf, '-f', 'tab', 'mailbox', 'status', 'messages', self.pattern],
                              capture_output=True, encoding='utf-8', **self.how)
        if done.returncode:
            raise RuntimeError('doveadm: ' + done.stderr)
        rows = [line.split('\t') for line in done.stdout.splitlines()[1:]]
        return {name: int(n) for name, n in rows}

    def folders(self):
        out = []
        for line in self.imap.list('""', '"%s"' % self.pattern)[1]:
            m = re.match(rb'\((.*?)\) "(.)" (?:"(.*)"|(.*))$', line)
            if b'\\Noselect' not in m.group(1):
                out.append((m.group(3) or m.group(4)).decode('ascii'))
        return out

    def fetch(self, folder):
        """(subject, flags, internal date, bytes) of each message."""
        kind, data = self.imap.select('"%s"' % folder, readonly=True)
        assert kind == 'OK', data
        if data == [b'0']:
            return []
        kind, data = self.imap.fetch('1:*', '(FLAGS INTERNALDATE BODY.PEEK[])')
        assert kind == 'OK', data
        out = []
        for said, raw in (x for x in data if isinstance(x, tuple)):
            said = said.decode('ascii')
            flags = re.search(r'FLAGS \((.*?)\)', said).group(1).replace('\\', '').split()
            date = re.search(r'INTERNALDATE "(.*?)"', said).group(1).strip()
            out.append((subject(raw), ' '.join(sorted(x for x in flags if x != 'Recent')), date, raw))
        return out


def check(form, server, name_of, unquote, eml):
    want = {name_of(f): 0 for f in EMPTY}
    for folder, _, _ in MAIL.values():
        want[name_of(folder)] = want.get(name_of(folder), 0) + 1
    same({k: v for k, v in server.counts().items() if k not in TOP}, want,
         form + ': doveadm counts the messages of each folder')
    names = {plain_name(x): x for x in server.folders()}
    for top in TOP:
        names.pop(top, None)
    same(sorted(names), sorted(want), form + ': the folders, by their names')
    flags, dates, where, wrong = {}, {}, {}, []
    for plain, name in names.items():
        for s, f, date, raw in server.fetch(name):
            where[s], flags[s], dates[s] = plain, f, date
            if unquote:
                raw = re.sub(rb'^>(>*From )', rb'\1', raw, flags=re.M)
            if raw != eml.get(s):
                wrong.append('%s\nhave %r\nwant %r' % (s, raw[:3000], (eml.get(s) or b'')[:3000]))
    same(where, {s: name_of(m[0]) for s, m in MAIL.items()}, form + ': each message is in its folder')
    same(flags, {s: m[1] for s, m in MAIL.items()}, form + ': what was read, replied to, flagged, a draft')
    same(dates, {s: m[2] + ' +0000' for s, m in MAIL.items()}, form + ': the time of delivery')
    say(not wrong, form + ': every byte is that of the EML', '\n'.join(wrong))


def main(source):
    top = os.path.join(source, 'dovecot')
    eml = originals(os.path.join(source, 'eml'))
    same(sorted(eml), sorted(MAIL), 'the EML export has them all')
    # Dovecot writes indexes into what it serves, and takes delivery from the time of the files.
    for form in ('maildir', 'mbox', 'mboxcl2'):
        shutil.copytree(os.path.join(source, form), os.path.join(top, form, 'mail'))
    if os.getuid() == 0:
        who = pwd.getpwnam('nobody')
        for d, _, files in os.walk(top):
            for name in ['.'] + files:
                os.chown(os.path.join(d, name), who.pw_uid, who.pw_gid)
    else:
        who = pwd.getpwuid(os.getuid())
    for form in ('maildir', 'mbox', 'mboxcl2'):
        here = os.path.join(top, form)
        if form == 'maildir':
            location, pattern, name_of = 'maildir:%s/mail' % here, '*', lambda f: PLUS.get(f, f)
        else:
            # A directory Inbox at the top would be INBOX for Dovecot, so it is not there.
            location, pattern = 'mbox:%s/mail:UTF-8' % here, '*.mbox'
            name_of = lambda f: 'Top of Personal Folders/%s.mbox' % f
        try:
            with Server(here, location, pattern, who) as server:
                check(form, server, name_of, form == 'mbox', eml)
        except (RuntimeError, AssertionError, imaplib.IMAP4.error, OSError) as e:
            say(False, form + ': Dovecot serves it', e)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(99))
signal.signal(signal.SIGHUP, lambda *_: sys.exit(99))
sys.stdout.reconfigure(encoding='utf-8', line_buffering=True)
main(*sys.argv[1:])

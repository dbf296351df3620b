#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What Python's email package reads out of an export of export/seed.pmmk:
#	export.py eml|mbox DIRECTORY
# Prints TAP lines without a plan.
import email
import email.policy
import mailbox
import os
import re
import sys

n = 0


def ok(good, what, detail=''):
    global n
    n += 1
    print('%sok - %s' % ('' if good else 'not ', what))
    if not good:
        print('#   ' + repr(detail))


def same(have, want, what):
    ok(have == want, what, (have, want))


def load(form, top):
    """{subject: message}; and problems of the raw bytes."""
    found, odd = {}, []
    for d, dirs, files in sorted(os.walk(top)):
        for name in sorted(files):
            path = os.path.join(d, name)
            if form == 'eml' and name.endswith('.eml'):
                with open(path, 'rb') as f:
                    raws = [f.read()]
                    end = b'\r\n'
            elif form == 'mbox' and name.endswith('.mbox'):
                box = mailbox.mbox(path, create=False)
                raws = [re.sub(rb'^>(>*From )', rb'\1', box.get_bytes(k), flags=re.M) for k in box.keys()]
                end = b'\n'
            else:
                continue
            for raw in raws:
                if any(c >= 0x80 or c == 0 for c in raw):
                    odd.append(name + ': not 7 bit')
                if any(len(x) > 998 for x in raw.split(end)):
                    odd.append(name + ': long line')
                if end == b'\r\n' and raw.replace(b'\r\n', b'').strip(b'\r\n') != raw.replace(b'\r\n', b''):
                    odd.append(name + ': line ends')
                m = email.message_from_bytes(raw, policy=email.policy.default)
                found[' '.join(str(m['Subject']).split())] = m
    return found, odd


def defects(m):
    out = [(m['Subject'], d) for d in m.defects]
    for k, v in m.items():
        out += [(m['Subject'], k, d) for d in getattr(v, 'defects', ())]
    for part in m.iter_parts() if m.get_content_maintype() == 'multipart' else \
            m.get_payload() if m.get_content_type() == 'message/rfc822' else ():
        out += defects(part)
    return out


def tree(m):
    """Content types as nested lists."""
    t = m.get_content_type()
    if m.is_multipart():
        return [t.split('/')[1]] + [tree(x) for x in m.get_payload()]
    return t


def lines(s):
    return s.replace('\r\n', '\n').rstrip('\n')


def main(form, top):
    found, odd = load(form, top)
    same(odd, [], 'every line is 7 bit and short')
    same(sum((defects(m) for m in found.values()), []), [], 'no part has a defect')
    same(len(found), 17, 'all messages are there')

    m = found['plain']
    same(lines(m.get_content()), 'From the start,\n>From the second.\n.', 'lines that begin with From')
    same(str(m['Date']), 'Thu, 04 Mar 2021 05:06:07 +0000', 'the date is the one of the message')
    same(m['From'].addresses[0].addr_spec, 'ann@example.org', 'the sender')

    m = found['three bodies, Grüße aus Köln']
    same(tree(m), ['alternative', 'text/plain', 'text/html'], 'bodies are alternatives')
    same(lines(m.get_body(('plain',)).get_content()), 'Grüße aus Köln', 'plain text')
    same('<b>Köln</b>' in m.get_body(('html',)).get_content(), True, 'HTML')
    same(m['From'].addresses[0].display_name, 'Jörg Müller, Köln', 'a sender with an umlaut and a comma')
    same(m['To'].addresses[0].display_name, '日本 太郎', 'a recipient')

    m = found['rich text']
    same(tree(m), ['mixed', 'text/html', 'application/rtf'], 'RTF of its own is attached')
    same('<b>yes</b>' in m.get_body(('html',)).get_content(), True, 'and shown as HTML')
    same(tree(found['encapsulated']), 'text/html', 'RTF made of HTML is HTML')
    same(re.sub(r'\s', '', found['encapsulated'].get_content()), '<p>inside</p>', 'the HTML that it was made of')
    same(found['no body at all'].get_content().strip(), '', 'no body')

    m = found['transport']
    same(m['X-Kept'], 'as  it is', 'a field as it came')
    same(m['X-Umlaut'], 'Grüße', 'a field with an umlaut')
    same(str(m['Date']), 'Thu, 04 Mar 2021 06:06:07 +0100', 'the date of the header, zone included')
    same(m['Message-ID'], '<kept@example.org>', 'the message id')
    same([a.addr_spec for a in m['To'].addresses], ['bob@example.org', 'carl@example.org'],
         'To has the recipient that the header lacks')
    same([a.addr_spec for a in m['Bcc'].addresses], ['dora@example.org'], 'Bcc is added')
    same(m['Content-Type'].content_type, 'text/plain', 'Content-Type is that of the new body')
    same(m['X-Original-Content-Type'], 'multipart/mixed; boundary=gone', 'the old one is kept apart')
    same(m['X-Behind'], None, 'nothing from behind the header')
    same(m['Microsoft Mail Internet Headers Version 2.0'], None, 'nothing that is no field')
    same([len(m.get_all(x)) for x in ('Received', 'Subject', 'From', 'To', 'MIME-Version')], [1] * 5, 'no field twice')

    m = found['changed subject']
    same(m['X-Original-Subject'], 'first sübject', 'the subject that it came with')

    m = found['X.500 sender']
    same([g.display_name for g in m['From'].groups], ['Eve Example'], 'a sender without an address')
    same(len(m['From'].addresses), 0, 'none is made up')
    same(m['X-PSTMend-From'], 'Eve Example <EX:/O=ORG/OU=SITE/CN=RECIPIENTS/CN=EVE>', 'what it has instead')
    m = found['X.500 sender with an address']
    same(m['From'].addresses[0].addr_spec, 'boss@example.org', 'on behalf of')
    same(m['Sender'].address.addr_spec, 'eve@example.org', 'sent by')

    m = found['injection Bcc: evil@example.org']
    same([k for k in m.keys() if k.lower() in ('x-evil', 'bcc', 'cc')], [], 'no field comes out of a value')
    part = list(m.iter_attachments())[0]
    same([k for k in part.keys() if k.lower() == 'x-evil'], [], 'nor out of an attachment\'s')
    same(part.get_content_type(), 'text/plain', 'where the type is none, the name tells it')

    m = found['graded']
    same((m['Importance'], m['Sensitivity'], m['Disposition-Notification-To']),
         ('high', 'Private', 'Ann Example <ann@example.org>'), 'importance, sensitivity, receipt')
    same((m['In-Reply-To'], m['References']),
         ('<before@example.org>', '<first@example.org> <before@example.org>'), 'the thread')
    same(m['Keywords'], 'red, Köln', 'categories')
    same(m['X-Unsent'], '1', 'a draft')

    m = found['attachments']
    same(tree(m), ['mixed', ['related', ['alternative', 'text/plain', 'text/html'], 'image/png'],
                   'application/pdf', 'application/octet-stream', 'application/octet-stream', 'text/plain',
                   'application/octet-stream',
                   ['rfc822', ['mixed', 'text/plain', 'text/plain', ['rfc822', 'text/plain']]]], 'the parts')
    att = {a.get_filename(): a for a in m.walk() if a.get_filename()}
    same(att['picture.png']['Content-ID'], '<one@x>', 'the id of a picture')
    same(len(att['picture.png'].get_content()), 3000, 'its size')
    same(len(att['Überweisung für März 日本語の長い名前のファイル.pdf'].get_content()), 70000, 'a long name that is not ASCII')
    same(att['mail.eml'].get_content(), b'Subject: as bytes\r\n\r\nFrom here\r\n', 'a mail that is a file stays what it is')
    same(att['empty.txt'].get_content(), '', 'what is empty stays empty')
    same(len(att['object'].get_content()), 5000, 'an object is its storage')
    inner = att['inner 内側.eml'].get_content()
    same(str(inner['Subject']), 'inner 内側', 'an embedded message')
    same(lines(list(inner.iter_attachments())[0].get_content()), 'Inside of the inside.', 'and what is attached to it')
    same(list(inner.iter_attachments())[1].get_content()['Subject'], 'innermost', 'and embedded in it')

    m = [v for k, v in found.items() if k.startswith('long subject')][0]
    same(re.sub(r'\s', '', str(m['Subject'])), 'longsubject' + '日本語' * 20, 'a long subject')
    same(len(m['To'].addresses) + len(m['Cc'].addresses), 60, 'sixty recipients')

    m = found['A meeting']
    same(m['X-PSTMend-Class'], 'IPM.Appointment', 'the class of what is no mail')
    text = [p for p in m.iter_attachments() if p.get_filename() == 'properties.txt'][0].get_content()
    ok('PidLidAppointmentStartWhole: 2021-05-06T07:00:00Z' in text and 'PidLidLocation: Room 12' in text,
       'and its properties', text)


main(*sys.argv[1:])

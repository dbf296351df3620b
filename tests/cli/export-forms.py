#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What Python's email package reads out of an EML export of export/forms.pmmk:
#	export-forms.py DIRECTORY
# Prints TAP lines without a plan.
import email
import email.policy
import os
import sys


def same(have, want, what):
    good = have == want
    print('%sok - %s' % ('' if good else 'not ', what))
    if not good:
        print('#   have %r' % (have,))
        print('#   want %r' % (want,))


def tree(m):
    t = m.get_content_type()
    if m.is_multipart():
        return [t.split('/')[1]] + [tree(x) for x in m.get_payload()]
    return t


def main(top):
    found, raw = {}, {}
    for d, _, files in os.walk(top):
        for name in files:
            if name.endswith('.eml'):
                with open(os.path.join(d, name), 'rb') as f:
                    text = f.read()
                m = email.message_from_bytes(text, policy=email.policy.default)
                found[m['Subject']] = m
                raw[m['Subject']] = text
    for k, m in sorted(found.items()):
        same([p.defects for p in m.walk() if p.defects], [], k + ': no defect')

    m = found['clear-signed']
    same(tree(m), ['signed', 'text/plain', 'application/pkcs7-signature'], 'a signed message keeps its parts')
    same(m['Content-Type'].params['micalg'], 'sha-256', 'and its own Content-Type')
    body = b'Content-Type: text/plain\r\n\r\nFrom here on,  every byte counts \r\n\r\n--b1'
    same(raw['clear-signed'].count(b'--b1\r\n' + body), 1, 'every byte of what is signed')
    m = found['enveloped']
    same((m.get_content_type(), m['Content-Type'].params.get('smime-type')),
         ('application/pkcs7-mime', 'enveloped-data'), 'an encrypted message')
    same(m.get_content().hex().upper(), '3082010006092A864886F70D010703A08201000203', 'its bytes')
    same(found['opaque signed']['Content-Type'].params.get('smime-type'), 'signed-data', 'an opaque one')
    same(tree(found['secure by name only']), ['mixed', 'text/plain', 'text/plain'], 'the class alone says nothing')

    m = found['pgp encrypted']
    same(tree(m), ['encrypted', 'application/pgp-encrypted', 'application/octet-stream'], 'PGP')
    same(m.get_payload()[1].get_content(),
         b'-----BEGIN PGP MESSAGE-----\r\n\r\nhQ==\r\n-----END PGP MESSAGE-----\r\n', 'its bytes')

    m = found['not delivered']
    same(m['Content-Type'].params['report-type'], 'delivery-status', 'a report is one')
    same(tree(m), ['report', 'text/plain', ['delivery-status', 'text/plain', 'text/plain'],
                   ['rfc822', 'text/plain']], 'with its parts')
    same(m.get_payload()[0].get_content().strip(), 'Nobody lives there.', 'what it says to people')
    one = m.get_payload()[1].get_payload()[1]
    same((one['Final-Recipient'], one['Action'], one['Status'], one['Diagnostic-Code']),
         ('rfc822; bob@example.org', 'failed', '5.1.1', 'smtp; 550 5.1.1 <bob@example.org> unknown'),
         'and to programs')
    same(m.get_payload()[2].get_payload()[0]['Subject'], 'what was sent', 'the message that it is about')
    m = found['read']
    same(m['Content-Type'].params['report-type'], 'disposition-notification', 'a read receipt')
    text = raw['read'].decode()
    same('\r\nOriginal-Message-ID: <sent@example.org>\r\n' in text and
         '\r\nFinal-Recipient: rfc822; bob@example.org\r\n' in text and
         'MDN-sent-manually; displayed\r\n' in text, True, 'what was read, and by whom')

    m = found['rights']
    same(list(m.iter_attachments())[0].get_content().hex(), '7652e5c20ae8ab0102', 'a protected message passes')
    same(list(m.iter_attachments())[0].get_content_type(), 'application/x-microsoft-rpmsg-message', 'with its type')
    m = found['journal']
    same(list(m.iter_attachments())[0].get_content()['Subject'], 'wrapped', 'a journal report has its message')

    parts = {p.get_filename(): p for p in found['references'].iter_attachments()}
    same(sorted(parts), ['cloud.docx.uri', 'drive.doc.uri', 'plan.doc.uri', 'relative.doc.txt'], 'references')
    same(parts['plan.doc.uri'].get_content(),
         '# \\\\server\\share\\my plan #1.doc\r\nfile://server/share/my%20plan%20%231.doc\r\n', 'a share')
    same(parts['drive.doc.uri'].get_content(), '# C:\\docs\\a.doc\r\nfile:///C:/docs/a.doc\r\n', 'a drive')
    same(parts['cloud.docx.uri'].get_content(), 'https://example.org/d?x=1&y=two%20words\r\n', 'a link')
    same(parts['relative.doc.txt'].get_content(), 'relative.doc\r\n', 'what is no link stays text')
    same(found['resolved']['From'].addresses[0].addr_spec, 'eve@example.org', 'an X.500 sender with SMTP')


main(*sys.argv[1:])

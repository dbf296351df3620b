/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages [MS-PST 2.4.5] and attachments [MS-PST 2.4.6]. What is damaged or missing never
 * stops anything: it shows in states, and pm_message_assess lists it.
 */
#ifndef PM_MSG_MESSAGE_H
#define PM_MSG_MESSAGE_H

#include "msg/folder.h"

#define PM_NID_ATTACHMENT_TABLE 0x671
#define PM_NID_RECIPIENT_TABLE  0x692

/* PidTagMessageFlags [MS-OXCMSG 2.2.1.6] */
#define PM_MSGFLAG_READ   0x01
#define PM_MSGFLAG_UNSENT 0x08
#define PM_MSGFLAG_ATTACH 0x10
#define PM_MSGFLAG_FROMME 0x20
#define PM_MSGFLAG_ASSOC  0x40

/* An attachment as the message knows it. */
struct pm_attach_ref {
	pm_nid nid;
	pm_bid data, sub;
	bool listed; /* in the attachment table, */
	size_t row;  /* as this row */
	bool there;  /* as a subnode */
};

struct pm_message {
	const struct pm_ndb *db;
	pm_nid nid; /* 0 when it is embedded */
	struct pm_pc pc;
	enum pm_rc state;  /* of pc */
	uint32_t codepage; /* of 8-bit strings: 3FFD, else Windows' of 3FDE, the store's, 1252 */
	uint32_t store_codepage; /* as given */
	/* UTF-8; NULL when absent or lost */
	char *message_class;
	char *subject;        /* whole, without the prefix marker */
	char *subject_prefix; /* "RE: ", or NULL; the beginning of `subject` */
	char *sender_name, *sender_type, *sender_email, *sender_smtp;
	char *repr_name, *repr_type, *repr_email; /* sent representing */
	uint32_t flags, size;
	uint64_t submit, delivery, created, modified; /* FILETIME, 0 when absent */
	enum pm_rc recipients_state, attach_state;    /* of the tables; PM_NONE when absent */
	struct pm_tc recipients;                      /* of the first state but LOST and NONE */
	struct pm_tc attach_table;
	PM_VEC(struct pm_attach_ref) attachments; /* by nid: subnodes and table rows together */
	struct pm_arena arena;
};

/*
 * Open the message in data tree `data` with subnode tree `sub`; `nid` is for reports, 0 for an
 * embedded one. `store_codepage` as in struct pm_store. PM_OK, PM_DAMAGED, PM_LOST: no
 * properties (tables and attachments may be there all the same). Close it in every case.
 */
enum pm_rc pm_message_open(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub,
			   uint32_t store_codepage, struct pm_message *m) PM_MUST_CHECK;
/* The same without texts, times and numbers, but the code page: for who only wants to know whether it is whole. */
enum pm_rc pm_message_open_bare(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub,
				uint32_t store_codepage, struct pm_message *m) PM_MUST_CHECK;
enum pm_rc pm_message_open_node(const struct pm_ndb *db, pm_nid nid, uint32_t store_codepage,
				struct pm_message *m) PM_MUST_CHECK;
void pm_message_close(struct pm_message *m);

enum pm_body { PM_BODY_TEXT, PM_BODY_HTML, PM_BODY_RTF };

/*
 * A body as it is stored: 1000 (string), 1013 (binary, or a string), 1009 (compressed RTF).
 * PM_NONE when there is none; results else as of pm_pc_value. Done with pm_value_done.
 */
enum pm_rc pm_message_body(struct pm_message *m, enum pm_body which,
			   struct pm_value *v) PM_MUST_CHECK;

/* Strings are UTF-8 or NULL. */
struct pm_recipient {
	uint32_t row_id;
	uint32_t type; /* 0 originator, 1 to, 2 cc, 3 bcc; flags above bit 28 are cut */
	char *name, *address_type, *email, *smtp;
	enum pm_rc state; /* the worst of its cells */
	struct pm_arena arena;
};

/* Recipient i of m->recipients.rows.n. PM_OK, PM_DAMAGED, PM_LOST. */
enum pm_rc pm_recipient_open(struct pm_message *m, size_t i, struct pm_recipient *r) PM_MUST_CHECK;
/* Would that give PM_OK, plainly? No is no answer: what names nobody but by empty texts may be. */
bool pm_recipient_plain(struct pm_tc *table, size_t i);
/* Does it say to whom it went? Then there were recipients. [OBS: in all files looked at] */
bool pm_message_addressed(const struct pm_pc *pc);
void pm_recipient_close(struct pm_recipient *r);

/* PidTagAttachMethod [MS-OXCMSG 2.2.2.9] */
enum pm_attach_method {
	PM_AM_NONE = 0,
	PM_AM_VALUE = 1,
	PM_AM_REFERENCE = 2,
	PM_AM_REF_RESOLVE = 3,
	PM_AM_REF_ONLY = 4,
	PM_AM_EMBEDDED = 5,
	PM_AM_OLE = 6,
	PM_AM_WEB = 7,
};

struct pm_attachment {
	const struct pm_message *of;
	pm_nid nid;
	struct pm_pc pc;
	enum pm_rc state; /* of pc */
	uint32_t method;  /* when the PC has none: by its data */
	char *name;       /* 3707, 3704, 3001, or 3704 of the table row; NULL */
	char *mime, *content_id, *content_location, *extension;
	uint32_t size; /* PidTagAttachSize */
	uint32_t rendering;
	uint32_t flags; /* PidTagAttachFlags */
	bool hidden;
	struct pm_arena arena;
};

/* Attachment i of m->attachments.n; m must stay open. PM_OK, PM_DAMAGED, PM_LOST. */
enum pm_rc pm_attachment_open(struct pm_message *m, size_t i,
			      struct pm_attachment *a) PM_MUST_CHECK;
/* The same with no more than its properties and the method. */
enum pm_rc pm_attachment_open_bare(struct pm_message *m, size_t i,
				   struct pm_attachment *a) PM_MUST_CHECK;
void pm_attachment_close(struct pm_attachment *a);
/* Its bytes: PidTagAttachDataBinary, or the subnode of an object that is no message. PM_NONE:
 * it has none. Done with pm_value_done. */
enum pm_rc pm_attachment_data(struct pm_attachment *a, struct pm_value *v) PM_MUST_CHECK;
/* Has the context properties, and not one of those that every attachment has (method, size, data)?
 * Then it is that of something else. */
bool pm_attachment_foreign(const struct pm_pc *pc);
/* Is it a message (method 5 with an object)? */
bool pm_attachment_is_message(struct pm_attachment *a);
/* The embedded message; the caller bounds the depth. PM_NONE: it is none. */
enum pm_rc pm_attachment_message(struct pm_attachment *a, struct pm_message *m) PM_MUST_CHECK;

/* ---- what is damaged or missing ---- */

#define PM_DEPTH_MAX 32 /* messages in messages that anything of ours follows */

enum pm_flaw_what {
	PM_FLAW_PROPERTIES, /* the PC: lost, or properties may be missing or wrong */
	PM_FLAW_PROPERTY,   /* one property: `tag` */
	PM_FLAW_TEXT,       /* body, HTML body, RTF body */
	PM_FLAW_HTML,
	PM_FLAW_RTF,
	PM_FLAW_RECIPIENTS,  /* the table */
	PM_FLAW_RECIPIENT,   /* one row */
	PM_FLAW_ATTACHMENTS, /* the table */
	PM_FLAW_ATTACHMENT,  /* one is missing or unreadable */
	PM_FLAW_DATA,        /* the data of an attachment */
	PM_FLAW_EMBEDDED,    /* embedded message missing, another's, or nested too deeply */
};

struct pm_flaw {
	enum pm_flaw_what what;
	enum pm_rc state;  /* PM_DAMAGED, PM_LOST */
	uint32_t tag;      /* property tag, 0 */
	uint64_t from, to; /* first damaged range of a stream, 0, 0 when it is not known */
	uint32_t ranges;   /* how many there are */
	char *text;        /* 'attachment 3 "x.doc": data damaged at 8176..16352' */
};

struct pm_flaws {
	struct pm_arena arena;
	PM_VEC(struct pm_flaw) v; /* at most `max` */
	size_t max;
	size_t more;      /* not kept */
	enum pm_rc worst; /* PM_OK, PM_DAMAGED; PM_LOST: the message itself is lost */
};

/*
 * Look at the whole message, embedded ones included, and list what is wrong, at most `max`
 * items. Blocks that nobody has read yet are read. Returns flaws->worst or an error.
 */
enum pm_rc pm_message_assess(struct pm_message *m, size_t max,
			     struct pm_flaws *flaws) PM_MUST_CHECK;
void pm_flaws_done(struct pm_flaws *f);

/* Is the message class this one, or one derived from it ("IPM.Contact.Private")? NULL is none. */
bool pm_class_is(const char *message_class, const char *base);
/* Has the context properties, and neither the class nor the flags that every message has? Then the
 * entry names another object's. [OBS] */
bool pm_message_foreign(const struct pm_message *m);
/* Is the message in these trees one, and is nothing wrong with it? False after an error, too, which
 * is in the context then. */
bool pm_message_whole(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub);

#endif

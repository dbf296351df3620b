/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property types and the property tags that the library itself uses [MS-OXPROPS]. Names for
 * people (dump, reports) come from proptag.def through pm_proptag_name.
 */
#ifndef PM_FORMAT_PROPTAG_H
#define PM_FORMAT_PROPTAG_H

#include <stdbool.h>
#include <stdint.h>

/* Property types [MS-OXCDATA 2.11.1]; MV adds 0x1000 */
enum pm_proptype {
	PM_PT_UNSPECIFIED = 0x0000,
	PM_PT_NULL = 0x0001,
	PM_PT_I2 = 0x0002,
	PM_PT_I4 = 0x0003,
	PM_PT_R4 = 0x0004,
	PM_PT_R8 = 0x0005,
	PM_PT_CURRENCY = 0x0006,
	PM_PT_APPTIME = 0x0007,
	PM_PT_ERROR = 0x000A,
	PM_PT_BOOL = 0x000B,
	PM_PT_OBJECT = 0x000D,
	PM_PT_I8 = 0x0014,
	PM_PT_STRING8 = 0x001E,
	PM_PT_UNICODE = 0x001F,
	PM_PT_TIME = 0x0040,
	PM_PT_GUID = 0x0048,
	PM_PT_SERVERID = 0x00FB,
	PM_PT_RESTRICTION = 0x00FD,
	PM_PT_ACTIONS = 0x00FE,
	PM_PT_BINARY = 0x0102,
	PM_PT_MV = 0x1000,
};

/* By type, one more than its size; 0: not known. It is asked for every value of every item. */
extern const uint8_t pm_proptype_sizes[PM_PT_BINARY + 1];

/* How a type is stored in a PC [MS-PST 2.3.3.3]: bytes of a fixed value, 0 when variable,
 * -1 for a type that is not known. */
static inline int pm_proptype_size(uint16_t type)
{
	const uint16_t one = type & (uint16_t)~PM_PT_MV;
	const int size = one <= PM_PT_BINARY ? pm_proptype_sizes[one] - 1 : -1;

	if (one == type || size < 0)
		return size;
	switch (one) { /* those that have no multi-valued form */
	case PM_PT_UNSPECIFIED:
	case PM_PT_NULL:
	case PM_PT_ERROR:
	case PM_PT_BOOL:
	case PM_PT_OBJECT:
		return -1;
	}
	return 0;
}

/* True when a PC record holds the value itself (4 bytes or less). */
static inline bool pm_proptype_inline(uint16_t type)
{
	int n = pm_proptype_size(type);

	return n > 0 && n <= 4;
}
/* Bytes of a cell of this type in a table row [MS-PST 2.3.4.4.1]: 1, 2, 4, 8. */
unsigned pm_proptype_cell(uint16_t type);
/* Name as in MS-OXPROPS of a property id ("PidTagSubject"), or NULL. */
const char *pm_proptag_name(uint16_t id);
const char *pm_proptype_name(uint16_t type);

/* Property ids */
enum pm_propid {
	PM_ID_MESSAGE_CLASS = 0x001A,
	PM_ID_SUBJECT = 0x0037,
	PM_ID_SUBMIT_TIME = 0x0039,
	PM_ID_SENT_REPR_NAME = 0x0042,
	PM_ID_SENT_REPR_ADDRTYPE = 0x0064,
	PM_ID_SENT_REPR_EMAIL = 0x0065,
	PM_ID_TRANSPORT_HEADERS = 0x007D,
	PM_ID_SENDER_NAME = 0x0C1A,
	PM_ID_SENDER_ADDRTYPE = 0x0C1E,
	PM_ID_SENDER_EMAIL = 0x0C1F,
	PM_ID_RECIPIENT_TYPE = 0x0C15,
	PM_ID_DISPLAY_BCC = 0x0E02,
	PM_ID_DISPLAY_CC = 0x0E03,
	PM_ID_DISPLAY_TO = 0x0E04,
	PM_ID_DELIVERY_TIME = 0x0E06,
	PM_ID_MESSAGE_FLAGS = 0x0E07,
	PM_ID_MESSAGE_SIZE = 0x0E08,
	PM_ID_MESSAGE_STATUS = 0x0E17,
	PM_ID_ATTACH_SIZE = 0x0E20,
	PM_ID_RECORD_KEY = 0x0FF9,
	PM_ID_BODY = 0x1000,
	PM_ID_RTF_COMPRESSED = 0x1009,
	PM_ID_HTML = 0x1013,
	PM_ID_INTERNET_MESSAGE_ID = 0x1035,
	PM_ID_DISPLAY_NAME = 0x3001,
	PM_ID_ADDRTYPE = 0x3002,
	PM_ID_EMAIL_ADDRESS = 0x3003,
	PM_ID_CREATION_TIME = 0x3007,
	PM_ID_MODIFICATION_TIME = 0x3008,
	PM_ID_SEARCH_KEY = 0x300B,
	PM_ID_VALID_FOLDER_MASK = 0x35DF,
	PM_ID_IPM_SUBTREE_ENTRYID = 0x35E0,
	PM_ID_IPM_WASTEBASKET_ENTRYID = 0x35E3,
	PM_ID_FINDER_ENTRYID = 0x35E7,
	PM_ID_CONTENT_COUNT = 0x3602,
	PM_ID_CONTENT_UNREAD = 0x3603,
	PM_ID_SUBFOLDERS = 0x360A,
	PM_ID_CONTAINER_CLASS = 0x3613,
	PM_ID_ASSOC_COUNT = 0x3617,
	PM_ID_ATTACH_DATA = 0x3701,
	PM_ID_ATTACH_FILENAME = 0x3704,
	PM_ID_ATTACH_METHOD = 0x3705,
	PM_ID_ATTACH_LONG_FILENAME = 0x3707,
	PM_ID_RENDERING_POSITION = 0x370B,
	PM_ID_ATTACH_MIME_TAG = 0x370E,
	PM_ID_ATTACH_CONTENT_ID = 0x3712,
	PM_ID_SMTP_ADDRESS = 0x39FE,
	PM_ID_INTERNET_CPID = 0x3FDE,
	PM_ID_MESSAGE_CODEPAGE = 0x3FFD,
	PM_ID_SEARCH_FLAGS = 0x660B,
	PM_ID_PST_PASSWORD = 0x67FF,
	PM_ID_LTP_ROW_ID = 0x67F2,
	PM_ID_LTP_ROW_VER = 0x67F3,
};

#endif

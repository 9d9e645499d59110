/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-16/XMODEM (polynomial 1021, start 0, not reflected): the cluster's key-slot hash.
 * crc16("123456789", 9) = 31c3. */
#ifndef BASE_CRC16_H
#define BASE_CRC16_H

#include <stddef.h>
#include <stdint.h>

uint16_t crc16(const void *data, size_t len);

#endif

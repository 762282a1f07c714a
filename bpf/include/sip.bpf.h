/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-1-3 with 128 bits of output over slot->bytes[pos..end]. */
#ifndef AMBIT_SIP_H
#define AMBIT_SIP_H

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

#define SIPROUND                        \
	do {                            \
		v0 += v1;               \
		v2 += v3;               \
		v1 = ROTL(v1, 13) ^ v0; \
		v3 = ROTL(v3, 16) ^ v2; \
		v0 = ROTL(v0, 32);      \
		v2 += v1;               \
		v0 += v3;               \
		v1 = ROTL(v1, 17) ^ v2; \
		v3 = ROTL(v3, 21) ^ v0; \
		v2 = ROTL(v2, 32);      \
	} while (0)

#define SIPBLOCK(m)        \
	do {               \
		v3 ^= (m); \
		SIPROUND;  \
		v0 ^= (m); \
	} while (0)

/* Absorbs block i, or ends if there are fewer. */
#define ABSORB(i)                      \
	do {                           \
		if (blocks <= (i))     \
			goto absorbed; \
		SIPBLOCK(words[i]);    \
	} while (0)

/* Blocks absorbed without bpf_loop(): objects of up to 96 bytes. */
#define SIP_INLINE_BLOCKS 12

static __always_inline __u64 word_at(struct slot *slot, __u32 off)
{
	const __u64 *word = (void *)&slot->bytes[off & OFFSET_MASK];

	barrier_var(word); /* see verifier.bpf.h */
	return *word;
}

struct sip_loop {
	struct slot *slot;
	__u32 pos;
	__u32 blocks;
};

static long sip_step(__u32 i, struct sip_loop *loop)
{
	struct slot *slot = loop->slot;
	__u64 v0 = slot->sip_state[0], v1 = slot->sip_state[1], v2 = slot->sip_state[2],
	      v3 = slot->sip_state[3];
	__u32 pos = loop->pos;
	int k;

	for (k = 0; k < 4; k++) {
		if (loop->blocks == 0)
			break;
		SIPBLOCK(word_at(slot, pos));
		pos += 8;
		loop->blocks--;
	}
	loop->pos = pos;
	slot->sip_state[0] = v0;
	slot->sip_state[1] = v1;
	slot->sip_state[2] = v2;
	slot->sip_state[3] = v3;
	return loop->blocks == 0;
}

static __always_inline int sip(struct slot *slot, __u32 pos, __u32 end, __u32 op, __u32 arg)
{
	__u32 len = end - pos, blocks = len >> 3;
	__u64 v0 = cfg.sip[0], v1 = cfg.sip[1], v2 = cfg.sip[2], v3 = cfg.sip[3];
	__u64 first = op | ((__u64)arg << 32), last;
	const __u64 *words = (void *)&slot->bytes[pos & OFFSET_MASK];

	barrier_var(words); /* see verifier.bpf.h */
	SIPBLOCK(first);
	ABSORB(0);
	ABSORB(1);
	ABSORB(2);
	ABSORB(3);
	ABSORB(4);
	ABSORB(5);
	ABSORB(6);
	ABSORB(7);
	ABSORB(8);
	ABSORB(9);
	ABSORB(10);
	ABSORB(11);
absorbed:
	pos = hide(slot, pos + 8 * (blocks < SIP_INLINE_BLOCKS ? blocks : SIP_INLINE_BLOCKS));
	if (blocks > SIP_INLINE_BLOCKS) {
		struct sip_loop loop = {
			.slot = slot,
			.pos = pos,
			.blocks = blocks - SIP_INLINE_BLOCKS,
		};

		slot->sip_state[0] = v0;
		slot->sip_state[1] = v1;
		slot->sip_state[2] = v2;
		slot->sip_state[3] = v3;
		bpf_loop(OFFSET_MASK / 32 + 1, sip_step, &loop, 0);
		pos = loop.pos;
		v0 = slot->sip_state[0];
		v1 = slot->sip_state[1];
		v2 = slot->sip_state[2];
		v3 = slot->sip_state[3];
	}
	last = (__u64)(len + 8) << 56;
	if (len & 7)
		last |= word_at(slot, pos) & ((1ULL << ((len & 7) * 8)) - 1);
	SIPBLOCK(last);
	v2 ^= 0xee;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	slot->fp.lo = v0 ^ v1 ^ v2 ^ v3;
	v1 ^= 0xdd;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	slot->fp.hi = v0 ^ v1 ^ v2 ^ v3;
	return 0;
}

/* The fingerprint of (op, arg, the object at pos) goes to s->fp. */
static __noinline int fingerprint(struct slot *slot, __u32 pos, __u32 end, __u32 op, __u32 arg)
{
	return sip(slot, pos, end, op, arg);
}

#endif /* AMBIT_SIP_H */

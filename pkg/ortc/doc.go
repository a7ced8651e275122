// Package ortc computes what a producer can give and a consumer can take.
//
// The way of RTP parameters through a router, each step one function:
//
//	media codecs --GenerateRouterRTPCapabilities--> router capabilities
//	producer parameters --ProducerRTPParametersMapping--> mapping   (the router's payload types and SSRCs)
//	                    --ConsumableRTPParameters--> consumable     (the producer in the router's numbers)
//	consumable + remote capabilities --CanConsume--> yes or no
//	                                 --ConsumerRTPParameters--> consumer parameters
//	consumable --PipeConsumerRTPParameters--> parameters for another router
//
// Inputs are validated and given their defaults first, by ValidateRTPCapabilities and ValidateRTPParameters, or
// straight from JSON by DecodeRTPCapabilities and DecodeRTPParameters. The rules and results are those of
// mediasoup 3.27, so that its unmodified clients agree with this side: a test compares the two on random inputs.
//
// We differ from it where its looseness would only hurt later:
//
//   - A field of the wrong JSON type is refused, never taken for absent.
//   - A clock rate, an extension's id and an RTX's SSRC of 0 are as missing as no field at all. Payload types end at 127,
//     extension ids at 255, lists of codecs at 128 and of feedback at 64.
//   - H264 level 1b lies between 1 and 1.1 on both sides of a comparison (H.264 table A-1).
//   - The SSRCs of streams and of their retransmissions never overlap.
//
// All functions are pure. They keep no reference to what they are given and share no memory with it in what they
// return. Randomness comes in as a function returning any uint32. The Path of an error names the offending
// field relative to the value that was looked at, such as "codecs[0].mimeType".
package ortc

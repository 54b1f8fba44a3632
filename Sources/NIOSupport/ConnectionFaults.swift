internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Describes connect errors in words for logs and operators.
package enum ConnectFault {
    /// NIO's own texts name a C function and a number: `connect(descriptor:addr:size:): Connection refused (errno:
    /// 111)`.
    package static func words(_ error: any Error) -> String {
        switch error {
        // With several addresses, the last one tried.
        case let error as NIOConnectionError:
            guard let last = error.connectionErrors.last?.error else { return "its name has no address" }
            return words(last)
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        default: return "\(error)"
        }
    }
}

/// Describes TLS errors in words for logs and operators. The texts complete a sentence about the peer.
package enum TLSFault {
    /// NIOSSL's own texts contain its types and BoringSSL's codes:
    /// `handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 268435581 error:1000007d:SSL routines:...]))`.
    package static func words(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.uncleanShutdown: return "it closed the connection without a TLS close_notify"
        case NIOSSLError.noCertificateToValidate: return "it presented no certificate"
        case NIOSSLError.unableToValidateCertificate:
            return "its certificate is for another name, or is not trusted"
        default: break
        }
        let text = "\(error)"
        if let known = knownErrors.first(where: { text.contains($0.code) }) { return known.words }
        // For `...:SSL routines:OPENSSL_internal:TLSV1_ALERT_INTERNAL_ERROR`: tlsv1 alert internal error.
        guard let reason = text.firstMatch(of: /OPENSSL_internal:(\w+)/)?.1 else { return text }
        return reason.lowercased().replacing("_", with: " ")
    }

    private static let knownErrors: [(code: String, words: String)] = [
        ("failedToValidateHostname", "its certificate is for another name"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate has expired, or no trusted authority issued it"),
        ("CERTIFICATE_EXPIRED", "a certificate has expired"),
        ("UNKNOWN_CA", "it does not trust the authority of our certificate"),
        ("CERTIFICATE_REQUIRED", "it requires a client certificate"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS on this port"),
        ("HTTP_REQUEST", "it does not speak TLS on this port"),
        ("UNSUPPORTED_PROTOCOL", "it supports no secure version of TLS"),
        ("PROTOCOL_VERSION", "it supports no secure version of TLS"),
        ("NO_SHARED_CIPHER", "both sides support no common cipher"),
        ("HANDSHAKE_FAILURE", "both sides could not agree on the TLS parameters"),
        ("UNRECOGNIZED_NAME", "it does not know the requested host name"),
    ]
}

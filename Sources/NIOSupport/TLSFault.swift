internal import NIOSSL

/// Why TLS failed, for people.
package enum TLSFault {
    /// The library's errors name its own types and the codes of BoringSSL:
    /// `handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 268435581 error:1000007d:SSL routines:...]))`.
    package static func words(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.uncleanShutdown: return "the connection ended without a farewell"
        case NIOSSLError.noCertificateToValidate: return "it shows no certificate"
        case NIOSSLError.unableToValidateCertificate:
            return "its certificate is for another name, or none that is trusted"
        default: break
        }
        let said = "\(error)"
        if let known = table.first(where: { said.contains($0.code) }) { return known.words }
        // `...:SSL routines:OPENSSL_internal:TLSV1_ALERT_INTERNAL_ERROR` ends with the reason's name.
        guard let reason = said.firstMatch(of: /OPENSSL_internal:(\w+)/)?.1 else { return said }
        return reason.lowercased().replacing("_", with: " ")
    }

    private static let table: [(code: String, words: String)] = [
        ("failedToValidateHostname", "its certificate is for another name"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not of an authority that is trusted here, or is out of date"),
        ("CERTIFICATE_EXPIRED", "a certificate is out of date"),
        ("UNKNOWN_CA", "it does not trust the authority of our certificate"),
        ("CERTIFICATE_REQUIRED", "it wants a certificate of ours"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS at this port"),
        ("HTTP_REQUEST", "it does not speak TLS at this port"),
        ("UNSUPPORTED_PROTOCOL", "it speaks no version of TLS that is safe"),
        ("PROTOCOL_VERSION", "it speaks no version of TLS that is safe"),
        ("NO_SHARED_CIPHER", "no cipher is known to both"),
        ("HANDSHAKE_FAILURE", "the two sides did not agree on how to speak TLS"),
        ("UNRECOGNIZED_NAME", "it does not know the name that it was asked for"),
    ]
}

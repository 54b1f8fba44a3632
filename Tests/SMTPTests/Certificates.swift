/// Certificates of the tests only: P-256, made with openssl, valid for a hundred years except for
/// the expired one. The authority's own key was thrown away.
enum Certificates {
    struct Pair: Sendable {
        var certificate: String
        var key: String
    }

    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBrjCCAVOgAwIBAgIUcT4RuPPO6fKWJhVeRohwG8BZcyEwCgYIKoZIzj0EAwIw
        IzEhMB8GA1UEAwwYS2VudG9uZ2FuIHRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMzIw
        NDY0M1oYDzIxMjYxMDMwMjA0NjQzWjAjMSEwHwYDVQQDDBhLZW50b25nYW4gdGVz
        dCBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ+MRPBCnwvq0dQ
        OtGTdvq4VJkQvCTEEu77dE2IeEsihxaT27Yg2HL+kQjkCF+R7quHeGzjDvIF7jUp
        oHmY5dMEo2MwYTAdBgNVHQ4EFgQUk8bgyFO3OMdoH1CBaHrO65WEt6kwHwYDVR0j
        BBgwFoAUk8bgyFO3OMdoH1CBaHrO65WEt6kwDwYDVR0TAQH/BAUwAwEB/zAOBgNV
        HQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDSQAwRgIhAMRvcfQChn/NNy4cBRBWmrJC
        nCeNHPBePm1pY+UsTD5sAiEAo2pns0dBz9sSUrTUpNEx14RsWf393QZBlhxjvOi7
        U/Q=
        -----END CERTIFICATE-----
        """

    /// For localhost and 127.0.0.1.
    static let good = Pair(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBqTCCAU+gAwIBAgIUOzZNWHBw5FlZpxHE6D8FLUVpVFgwCgYIKoZIzj0EAwIw
            IzEhMB8GA1UEAwwYS2VudG9uZ2FuIHRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMzIw
            NDY0M1oYDzIxMjYxMDMwMjA0NjQzWjAPMQ0wCwYDVQQDDARnb29kMFkwEwYHKoZI
            zj0CAQYIKoZIzj0DAQcDQgAEnQe23qNQFJVT7E5vcPWhG0K8NbBKmST+KGGx7jQ8
            MkbJW+qydbKKBO8ev7j7DdiNrSSukuWVEInjeucpXgQstqNzMHEwGgYDVR0RBBMw
            EYIJbG9jYWxob3N0hwR/AAABMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQW
            BBRo3UeR7Vu7vMTjNc0ogySEZNbc7zAfBgNVHSMEGDAWgBSTxuDIU7c4x2gfUIFo
            es7rlYS3qTAKBggqhkjOPQQDAgNIADBFAiAh80xrDzFBv/7OPujPGPljjdY6rBng
            N8yQD7+r+j8H1wIhAOlBcshkp7NY3/OSQ+jIcO4j0UG251+ph71NxHXohNQR
            -----END CERTIFICATE-----
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgePK9xX44j/R7sdCw
            Opokj4P4qf3w1jE4l1yDPm4LrjahRANCAASdB7beo1AUlVPsTm9w9aEbQrw1sEqZ
            JP4oYbHuNDwyRslb6rJ1sooE7x6/uPsN2I2tJK6S5ZUQieN65yleBCy2
            -----END PRIVATE KEY-----
            """)

}

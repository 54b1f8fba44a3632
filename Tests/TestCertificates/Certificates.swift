/// Certificates for the tests only: P-256, made with openssl, valid for a hundred years except for the expired one. The
/// authority's own key was thrown away.
package enum Certificates {
    package struct Pair: Sendable {
        package var certificate: String
        package var key: String
    }

    package static let authority = """
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

    /// A certificate for localhost and 127.0.0.1.
    package static let good = Pair(
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

    /// A certificate for elsewhere.example.
    package static let wrong = Pair(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBrDCCAVKgAwIBAgIUOzZNWHBw5FlZpxHE6D8FLUVpVFkwCgYIKoZIzj0EAwIw
            IzEhMB8GA1UEAwwYS2VudG9uZ2FuIHRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMzIw
            NDY0M1oYDzIxMjYxMDMwMjA0NjQzWjAQMQ4wDAYDVQQDDAV3cm9uZzBZMBMGByqG
            SM49AgEGCCqGSM49AwEHA0IABLPW+O6zbNRCSNrcVS/hKyHn/UPl7IMtHwHY93ml
            8/73WuVxk6o4181b+1d0HhdMU/4ltZh4ku/uLcsm94D3tdujdTBzMBwGA1UdEQQV
            MBOCEWVsc2V3aGVyZS5leGFtcGxlMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1Ud
            DgQWBBT/0fb3y4AzHP4NsXrqFkGu7lIG5jAfBgNVHSMEGDAWgBSTxuDIU7c4x2gf
            UIFoes7rlYS3qTAKBggqhkjOPQQDAgNIADBFAiAIH0JgN5GNwUBI8iP990DPLCfw
            gSd7/hY2ZXmz6bS5GgIhAOludtNUSMuDXLNuCiBB8/EToCF09WSXRE6AdIlG6YG+
            -----END CERTIFICATE-----
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg04qVFn/QRsrRO3Io
            ff9pYCBAaN53IltI0e38N9kYYqyhRANCAASz1vjus2zUQkja3FUv4Ssh5/1D5eyD
            LR8B2Pd5pfP+91rlcZOqONfNW/tXdB4XTFP+JbWYeJLv7i3LJveA97Xb
            -----END PRIVATE KEY-----
            """)

    /// A certificate for localhost that was valid in January 2020.
    package static let expired = Pair(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBkTCCATegAwIBAgIBATAKBggqhkjOPQQDAjAjMSEwHwYDVQQDDBhLZW50b25n
            YW4gdGVzdCBhdXRob3JpdHkwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMjAxMDAwMDAw
            WjASMRAwDgYDVQQDDAdleHBpcmVkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
            PBWOEts/neGsVgg6pDVh+odbubX91TzIDzyJgFrQ9Lh1Aq6R27yIMKT8r2uPoHib
            88A0p5Xf/phURG6dXtVG7KNtMGswFAYDVR0RBA0wC4IJbG9jYWxob3N0MBMGA1Ud
            JQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQWBBTP+n1UWM2/CzcXcSUO9bXSwlpMEjAf
            BgNVHSMEGDAWgBSTxuDIU7c4x2gfUIFoes7rlYS3qTAKBggqhkjOPQQDAgNIADBF
            AiADD9Vo6+Yb6RCsOYf2UBQfE1EBD+e9jbSpYLbS+/FbqQIhAMmtNaPwjnrvGyHa
            AXo8G/dC0Q7wVqPf4Pyj0DcR6mGo
            -----END CERTIFICATE-----
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgadqUQsrab6ffHGwi
            fGGL358V5wLgsUr7RN4t9NOEWeShRANCAAQ8FY4S2z+d4axWCDqkNWH6h1u5tf3V
            PMgPPImAWtD0uHUCrpHbvIgwpPyva4+geJvzwDSnld/+mFREbp1e1Ubs
            -----END PRIVATE KEY-----
            """)
    /// A self-signed certificate for 127.0.0.1 and no name.
    package static let addressOnly = Pair(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBnDCCAUKgAwIBAgIUAKGyCDo21UNVVhgJXsxbvtaETYMwCgYIKoZIzj0EAwIw
            EjEQMA4GA1UEAwwHYWRkcmVzczAgFw0yNjExMjQwMzM3NDFaGA8yMTI2MTAzMTAz
            Mzc0MVowEjEQMA4GA1UEAwwHYWRkcmVzczBZMBMGByqGSM49AgEGCCqGSM49AwEH
            A0IABM6/W6evHbvw0XJWfxdHdlMPNjk8Z8IRSmXUlovkC/Z/T11YRrltS1OjxxJW
            taB9ELjvw9PGKhVOT4h7KKWqRyGjdDByMB0GA1UdDgQWBBQubc+JIwOadRI9I6Ex
            R5c+qB12STAfBgNVHSMEGDAWgBQubc+JIwOadRI9I6ExR5c+qB12STAPBgNVHRMB
            Af8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwDgYDVR0PAQH/BAQDAgKEMAoGCCqG
            SM49BAMCA0gAMEUCIGxhNW97Ai/sJ92nF8T8B0lQ1dn8elRCCzyAeIsJU6P+AiEA
            qCZS9FD70/FPQ/B2RyQw9PwLu3QPbw/3q38l2OCIqhc=
            -----END CERTIFICATE-----
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFnGUbVQLkZd/lCrn
            OHHH/U4sdlZWzn+3GYPRUOffmLChRANCAATOv1unrx278NFyVn8XR3ZTDzY5PGfC
            EUpl1JaL5Av2f09dWEa5bUtTo8cSVrWgfRC478PTxioVTk+Ieyilqkch
            -----END PRIVATE KEY-----
            """)
}

// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "Logging", package: "swift-log"),
]
let tls: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let http: [Target.Dependency] = [tls, .product(name: "NIOHTTP1", package: "swift-nio")]
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")

let package = Package(
    name: "kentongan",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "kentongan", targets: ["kentongan"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", "6.0.0"..<"7.0.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(name: "CCommonMark", providers: [.apt(["libcmark-dev"])]),
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
        .target(name: "Wording", dependencies: [logging], swiftSettings: settings),
        .target(name: "Addresses", dependencies: ["CIDN2"], swiftSettings: settings),
        .target(name: "AMQP", dependencies: ["CRabbitMQ", "Wording", logging], swiftSettings: settings),
        .target(
            name: "NIOSupport",
            dependencies: [
                .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings
        ),
        .target(
            name: "SMTP", dependencies: nio + [tls, crypto, cryptoExtras, "Addresses", "NIOSupport", "Wording"],
            swiftSettings: settings),
        .target(name: "Bulletins", dependencies: ["Addresses", "CCommonMark", crypto], swiftSettings: settings),
        .target(
            name: "HTTPPost", dependencies: nio + http + ["Addresses", "NIOSupport", "Wording"], swiftSettings: settings
        ),
        .target(name: "Storage", dependencies: ["Bulletins", "Wording", logging], swiftSettings: settings),
        .target(
            name: "StorageSQLite",
            dependencies: [
                "Addresses", "Storage", "Wording", crypto, .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            resources: [
                .embedInCode("Migrations/001_initial.sql"), .embedInCode("Migrations/002_short_rows.sql"),
                .embedInCode("Migrations/003_engine.sql"), .embedInCode("Migrations/004_bounces.sql"),
                .embedInCode("Migrations/005_feeds.sql"), .embedInCode("Migrations/006_webhooks.sql"),
                .embedInCode("Migrations/007_websub.sql"),
                .embedInCode("Migrations/008_numbers.sql"), .embedInCode("Migrations/009_mail_failures.sql"),
                .embedInCode("Migrations/010_hub_owners.sql"), .embedInCode("Migrations/011_publisher_users.sql"),
                .embedInCode("Migrations/012_held.sql"), .embedInCode("Migrations/016_addresses.sql"),
                .embedInCode("Migrations/017_clocks.sql"), .embedInCode("Migrations/018_threads.sql"),
            ], swiftSettings: settings),
        .target(
            name: "Intake", dependencies: ["AMQP", "Storage", "Wording", lifecycle, logging], swiftSettings: settings),
        .target(name: "Fanout", dependencies: ["Storage", "Wording", lifecycle, logging], swiftSettings: settings),
        .target(
            name: "DeliveryEngine",
            dependencies: [
                "Storage", "Wording", lifecycle, logging, .product(name: "DequeModule", package: "swift-collections"),
            ], swiftSettings: settings),
        .target(
            name: "Receipts", dependencies: ["AMQP", "Storage", "Wording", lifecycle, logging], swiftSettings: settings),
        .target(
            name: "Webhooks",
            dependencies: ["DeliveryEngine", "HTTPPost", crypto, .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .target(name: "Markup", dependencies: ["Bulletins"], swiftSettings: settings),
        .target(
            name: "Email",
            dependencies: [
                "Addresses", "DeliveryEngine", "SMTP", "Markup", crypto, cryptoExtras, lifecycle, logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            swiftSettings: settings),
        .target(
            name: "Portal",
            dependencies: [
                "Storage", "Markup", "CZlib", "DeliveryEngine", "HTTPPost", "NIOSupport", "Webhooks", crypto, lifecycle,
                logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ],
            swiftSettings: settings),
        .target(
            name: "Worker",
            dependencies: [
                "Intake", "Fanout", "DeliveryEngine", "Email", "Webhooks", "Receipts", "Portal", "StorageSQLite",
                "Addresses", "SMTP", "Wording",
                "HTTPPost", lifecycle, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "kentongan",
            dependencies: [
                "Addresses", "Worker", "Email", "Wording",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "SMTPBenchmark", dependencies: ["SMTP"] + nio, path: "Tests/Benchmarks/SMTPBenchmark",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "PostBenchmark",
            dependencies: [
                "Webhooks", .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), logging,
            ],
            path: "Tests/Benchmarks/PostBenchmark", swiftSettings: settings),
        .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: settings),
        .testTarget(name: "AMQPTests", dependencies: ["AMQP", logging], swiftSettings: settings),
        .target(name: "TestCertificates", path: "Tests/TestCertificates", swiftSettings: settings),
        .testTarget(
            name: "SMTPTests", dependencies: ["SMTP", "TestCertificates", tls] + nio, swiftSettings: settings),
        .testTarget(name: "BulletinsTests", dependencies: ["Bulletins"], swiftSettings: settings),
        .testTarget(
            name: "DeliveryEngineTests",
            dependencies: ["DeliveryEngine", "Storage", "Bulletins"], swiftSettings: settings),
        .testTarget(
            name: "WebhooksTests",
            dependencies: ["Webhooks", "Storage", crypto, .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .testTarget(
            name: "EmailTests", dependencies: ["Email", cryptoExtras, .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .testTarget(name: "ReceiptsTests", dependencies: ["Receipts", "Bulletins"], swiftSettings: settings),
        .testTarget(name: "MarkupTests", dependencies: ["Markup", "Bulletins"], swiftSettings: settings),
        .testTarget(
            name: "StorageConformance",
            dependencies: [
                "StorageSQLite", "DeliveryEngine", crypto, logging, .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "IntakeTests", dependencies: ["Intake", "AMQP", "Bulletins", "Storage"], swiftSettings: settings),
        .testTarget(
            name: "PortalTests",
            dependencies: [
                "Portal", "Bulletins", "Storage", "HTTPPost", "DeliveryEngine",
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WorkerTests", dependencies: ["Worker", "SMTP", "Wording", lifecycle, logging],
            swiftSettings: settings),
        .testTarget(
            name: "HTTPPostTests", dependencies: ["HTTPPost", "NIOSupport", "TestCertificates"] + nio + http,
            swiftSettings: settings),
    ]
)

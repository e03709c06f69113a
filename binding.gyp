{
  'targets': [
    {
      'target_name': 'sallyport_addon',
      'sources': [
        'native/acceptor.cc',
        'native/addon.cc',
        'native/capture.cc',
        'native/client_certificate.cc',
        'native/connection.cc',
        'native/custom_extensions.cc',
        'native/listener.cc',
        'native/ocsp_staple.cc',
        'native/openssl.cc',
        'native/poll.cc',
        'native/puzzle_extension.cc',
        'native/sent_bytes.cc',
        'native/socket.cc',
        'native/thread.cc',
        'native/ticket_keys.cc',
        'native/tls_settings.cc',
        'native/waiter.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=9',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
      ],
      'cflags_cc!': ['-std=gnu++20', '-std=gnu++17'],
      'cflags_cc': ['-std=c++17', '-fno-exceptions', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror'],
      'conditions': [
        ['OS=="mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '13.5',
            'WARNING_CFLAGS': ['-Wall', '-Wextra', '-Werror'],
          },
        }],
      ],
    },
  ],
}

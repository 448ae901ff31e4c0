# SPDX-License-Identifier: GPL-3.0-or-later
# What gets installed where, and the Debian packages.
#
# The three programs lie side by side, and what they read at run time in ../share/dossier beside them: in
# the build folder (a link to resources/) as after installation.
include(GNUInstallDirs)

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
if(NOT EXISTS ${CMAKE_BINARY_DIR}/share/dossier)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/resources ${CMAKE_BINARY_DIR}/share/dossier SYMBOLIC)
endif()

foreach(program dossier dossier-reader)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT app)
  endif()
endforeach()
if(TARGET dossier-engine)
  install(TARGETS dossier-engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT engine)
endif()
# Icons, themes and fonts are compiled into the program.
foreach(folder profiles playbooks sample model)
  if(EXISTS ${PROJECT_SOURCE_DIR}/resources/${folder})
    install(DIRECTORY resources/${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/dossier COMPONENT app)
  endif()
endforeach()
install(FILES installer/dossier.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications COMPONENT app)
if(EXISTS ${PROJECT_SOURCE_DIR}/resources/icons/dossier-app.svg)
  install(FILES resources/icons/dossier-app.svg RENAME dossier.svg
          DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps COMPONENT app)
endif()
install(FILES LICENSES/GPL-3.0-or-later.txt README.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT app)
install(FILES LICENSES/Apache-2.0.txt
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/dossier-engine COMPONENT engine)

set(CPACK_PACKAGE_NAME dossier)
set(CPACK_PACKAGE_CONTACT "The Dossier authors <dossier@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Reads long documents offline; every quotation checked")
set(CPACK_COMPONENTS_ALL app engine)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_APP_DESCRIPTION
    "Asks contracts and source code with a local model and checks every quotation against the source.")
set(CPACK_COMPONENT_ENGINE_DESCRIPTION
    "Inference for DeepSeek-V4 on the CPU and, where it was built with CUDA, on NVIDIA cards.")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_APP_PACKAGE_NAME dossier)
set(CPACK_DEBIAN_APP_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_APP_PACKAGE_SHLIBDEPS ON)
# The window's plugins, a font and Poppler's character maps are not found by looking at the program's libraries.
set(CPACK_DEBIAN_APP_PACKAGE_DEPENDS
    "dossier-engine (= ${PROJECT_VERSION}), qt6-qpa-plugins, fonts-dejavu-core, poppler-data")
set(CPACK_DEBIAN_APP_PACKAGE_RECOMMENDS fonts-droid-fallback)
set(CPACK_DEBIAN_ENGINE_PACKAGE_NAME dossier-engine)
set(CPACK_DEBIAN_ENGINE_PACKAGE_SECTION science)
set(CPACK_DEBIAN_ENGINE_PACKAGE_SHLIBDEPS ON) # cuBLAS is opened at run time, never linked
set(CPACK_STRIP_FILES ON)
include(CPack)
